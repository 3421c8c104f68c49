const PLAIN_KEY = /^[\w$-]{1,64}$/;

/** The path of a member or an item: `schema.properties.age`, `schema.anyOf[0]`, `schema.properties["a b"]`. */
export function pathOf(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  if (PLAIN_KEY.test(key)) return `${parent}.${key}`;
  return `${parent}[${JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key)}]`;
}
