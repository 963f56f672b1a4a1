import { isVersion, type Version } from './clock.js'

/** The text as it is kept: with this version, whatever it bore before. */
export const versioned = (text: string, version: Version): string =>
  `{"ver":"${version}",${versionOf(text) === undefined ? text.slice(1) : text.slice(HEAD)}`

/** The length of `{"ver":"…",`. */
const HEAD = 34

/** Undefined where it bears none, or one that can't be. */
export const versionOf = (text: string, horizon?: Version): Version | undefined => {
  if (!text.startsWith('{"ver":"') || text.charAt(32) !== '"') return undefined
  const version = text.slice(8, 32)
  return isVersion(version) && (horizon === undefined || version <= horizon) ? version : undefined
}

/** A bare integer: it has no room for a version, which lies beside the markers. */
export const isCounter = (text: string): boolean => /^-?\d+$/.test(text)
