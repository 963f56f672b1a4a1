const QUOTE = 34
const BACKSLASH = 92

/**
 * The text of the last member of that name in an object's JSON text: the one that JSON.parse takes. The text must be
 * valid JSON, an object, and have such a member. Keeps no stack, so that no depth is too deep for it.
 */
export const memberText = (text: string, name: string): string => {
  let found = ''
  let depth = 0
  let member = ''
  let start = 0
  const close = (end: number): void => {
    if (member === name) found = text.slice(start, end).trim()
    member = ''
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const end = closingQuote(text, at)
      // The first text of a member is its name: JSON.parse knows every way to write it.
      if (depth === 1 && member === '') {
        member = `${JSON.parse(text.slice(at, end + 1))}`
        start = text.indexOf(':', end) + 1
        at = start - 1
      } else at = end
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') {
      if (depth === 1) close(at)
      depth--
    } else if (char === ',' && depth === 1) close(at)
  }
  return found
}

const closingQuote = (text: string, opening: number): number => {
  let at = opening + 1
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
