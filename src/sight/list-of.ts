/** Names in a sentence: "auth" · "auth and menu" · "auth, menu and ml". */
export const listOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
