export { type PolicyCheck, policyChecks } from "./policy.case.ts";
