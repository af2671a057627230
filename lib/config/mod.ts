/**
 * Where the project is and how it is set up. The only room that reads the environment.
 *
 * @module
 */

export { envDigests, type Environment, readEnvironment } from "./environment.ts";
export { findProject, PIVOT_FOLDER } from "./project.ts";
export { requireSetting, type Setting, SETTINGS } from "./schema.ts";
export {
  CONFIG_FILE,
  type ConfigCache,
  loadSettings,
  type LoadSettingsOptions,
  setSetting,
  type Settings,
  type SettingValue,
  unsetSetting,
} from "./settings.ts";
