import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  cli: "src/cli.ts",
  "side-entry": "src/compare/side-entry.ts",
  "peer-entry": "src/serve/peer/peer-entry.ts",
});
