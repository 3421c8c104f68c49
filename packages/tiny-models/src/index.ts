export { modelPath, type TinyModel, tinyModels } from "./tiny-models.ts";
