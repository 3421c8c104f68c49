const date = "[0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)";
const time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
const host = `${label}(\\.${label}){0,5}`;
const word = "[A-Za-z0-9_+-]{1,32}";

/**
 * The formats that are enforced, as patterns. Some allow less than their standard does, never more: dates leave out
 * 29 February and leap seconds, IPv6 addresses are written in full, and names have some length at most.
 */
export const stringFormats: ReadonlyMap<string, string> = new Map([
  ["date", `^${date}$`],
  ["time", `^${time}$`],
  ["date-time", `^${date}T${time}$`],
  ["duration", "^P([0-9]{1,6}W|[0-9]{1,6}D(T[0-9]{1,6}H([0-9]{1,6}M([0-9]{1,6}S)?)?)?|T[0-9]{1,6}[HMS])$"],
  ["uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"],
  ["ipv4", `^${octet}(\\.${octet}){3}$`],
  ["ipv6", "^[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}$"],
  ["hostname", `^${host}$`],
  ["email", `^${word}(\\.${word}){0,3}@${label}(\\.${label}){0,3}\\.[A-Za-z]{2,20}$`],
  [
    "uri",
    `^[a-z]{2,12}://${host}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,64}){0,8}(\\?[A-Za-z0-9._~=&-]{0,128})?$`,
  ],
]);
