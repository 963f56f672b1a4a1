/** Where the package says things. `info` lines are few: nothing at info level while all is well. */
export interface Report {
  info(line: string): void
  warn(line: string): void
  error(line: string): void
}

/** Console lines that begin with the package's name; control characters are escaped so that a key can't forge a line. */
export const consoleReport: Report = {
  info: (line) => console.log(prefixed(line)),
  warn: (line) => console.warn(prefixed(line)),
  error: (line) => console.error(prefixed(line)),
}

const prefixed = (line: string): string => `motia-redis  ${escapeControl(line)}`

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

export const escapeControl = (text: string): string =>
  text.replace(control, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
