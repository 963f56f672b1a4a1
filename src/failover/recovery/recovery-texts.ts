import { timeOf, type Version } from '../versions/clock.js'

/** How much of a text tells its version. */
export const HEAD = 33

/** The version that an entry's text begins with. Undefined: none, or one from too far ahead. */
export const versionIn = (text: string, horizon: Version): Version | undefined => {
  const version = /^\{"ver":"([0-9a-f]{24})"/.exec(text)?.[1]
  return version !== undefined && version <= horizon ? version : undefined
}

/** Whether a write is from before then (epoch ms). One without a version may be. */
export const isBefore = (then: number, version: Version | undefined): boolean =>
  version === undefined || timeOf(version) < then
