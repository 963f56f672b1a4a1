import { createHash } from 'node:crypto'

/** What leases have in common, wherever they are kept. */

/** ms that a note of a died refresh stays: a slow factory is finished by whoever asks until then. */
export const NOTE_LIFE = 10 * 60_000

/** The moment of a scope's last clear. No category's name begins so. */
export const scopeField = (scope: string): string => `!${scope}`

/** Of the text at a key; as the scripts make it. */
export const digestOf = (text: string | undefined): string =>
  text === undefined ? '-' : createHash('sha1').update(text).digest('hex')
