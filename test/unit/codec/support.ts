import { decodeValue } from '../../../src/codec/decode.ts'
import { encodeValue } from '../../../src/codec/encode.ts'
import { type Hit, readEnvelope, writeEnvelope } from '../../../src/codec/envelope.ts'
import type { Encoded } from '../../../src/codec/payload.ts'

/** The error of a caller, told apart from any other. */
export class Refused extends Error {}
export const fail = (message: string): Error => new Refused(message)

export const NOW = 1_700_000_000_000
export const LATER = NOW + 60_000
export const MIB = 1024 * 1024

export const encode = async (value: unknown): Promise<Encoded> => encodeValue(value, fail)

export const hit = (text: string, codec: 'keyv' | 'json' = 'keyv'): Hit => {
  const result = readEnvelope(text, { codec, now: NOW, maxBytes: MIB })
  if (result.outcome !== 'hit') throw new Error(`not a hit: ${JSON.stringify(result)}`)
  return result
}

export const toText = async (value: unknown): Promise<string> => writeEnvelope(await encode(value), { expires: LATER })

/** As a reader in the server process sees it. */
export const throughEnvelope = async (value: unknown): Promise<unknown> => decodeValue(hit(await toText(value)).value)

/** As a reader in a step sees it: the host passes text and metadata on over a JSON channel. */
export const throughChannel = async (value: unknown): Promise<unknown> => {
  const { json, meta } = hit(await toText(value)).value
  return decodeValue(JSON.parse(JSON.stringify({ json, meta })) as Encoded)
}

/** A leaf under so many objects and lists. */
export const nested = (levels: number, leaf: unknown = 'leaf'): unknown => {
  let value = leaf
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { in: value }
  return value
}
