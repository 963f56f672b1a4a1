import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'

/** A value as it lies compressed in an envelope: base64 of the raw deflate of an envelope of its own. */
export interface Packed {
  readonly packed: string
}

/**
 * The fastest level. The higher ones cost two to four times as much for a tenth less, measured on menus, and where it
 * matters what is stored is small already.
 */
const LEVEL = { level: 1 } as const
/** Up to here (UTF-16 units) at once: 0.2 ms. What is longer, and would hold up everybody else, goes to a thread. */
const AT_ONCE = 64 * 1024
/** Text around the value that only the packed form needs. */
const FRAME = 20
/** What has to be left at most, for reading it to be worth the work. */
const WORTH = 0.9

const deflateInThread = promisify(deflateRaw)

/** The text, packed; undefined where that saves too little. A promise for a long text. */
export const pack = (text: string): Packed | undefined | Promise<Packed | undefined> => {
  const worth = (deflated: Buffer): Packed | undefined => {
    const packed = deflated.toString('base64')
    return packed.length + FRAME > Buffer.byteLength(text) * WORTH ? undefined : { packed }
  }
  return text.length > AT_ONCE ? deflateInThread(text, LEVEL).then(worth) : worth(deflateRawSync(text, LEVEL))
}

/**
 * The text that was packed; undefined where it is damaged, or would take more than `maxBytes`: then it isn't written
 * out any further. At once for every size: what follows, parsing it, takes ten times as long.
 */
export const unpack = ({ packed }: Packed, maxBytes: number): string | undefined => {
  try {
    return inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: maxBytes }).toString()
  } catch {
    return undefined
  }
}
