import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/**
 * Keys of sensitive categories as they may be shown: a key may itself be the secret, as a session's id is. What stands
 * for one can be handed back to this process, and to no other: it says nothing of the key, and is the same each time, so
 * that a list stays as it is when it is asked for again. Nothing is remembered, however many there are.
 */
export interface SealedKeys {
  seal(category: string, text: string): string
  /** Undefined: it wasn't made here, or for another category. */
  open(category: string, sealed: string): string | undefined
  /** It looks like one, whoever made it: to take it for a key would find nothing, and say so as if that were sure. */
  isSealed(text: string): boolean
  /** What people see in its place: "36 characters #Xk29aLq0". */
  label(category: string, key: string): string
}

const CIPHER = 'aes-256-gcm'
const NONCE = 12
const TAG = 16
const MARK = '~sealed-'

export const createSealedKeys = (secret = randomBytes(64)): SealedKeys => {
  const [forCipher, forNonce] = [secret.subarray(0, 32), secret.subarray(32)]

  /** Of the text itself: so a nonce comes again only with the same text. */
  const nonceOf = (category: string, text: string): Buffer =>
    createHmac('sha256', forNonce).update(`${category}:${text}`).digest().subarray(0, NONCE)

  return {
    seal: (category, text) => {
      const nonce = nonceOf(category, text)
      const cipher = createCipheriv(CIPHER, forCipher, nonce).setAAD(Buffer.from(category))
      const hidden = Buffer.concat([cipher.update(text), cipher.final()])
      return MARK + Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64url')
    },

    isSealed: (text) => text.startsWith(MARK),

    open: (category, sealed) => {
      if (!sealed.startsWith(MARK)) return undefined
      const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url')
      if (bytes.length <= NONCE + TAG) return undefined
      const tag = bytes.subarray(NONCE, NONCE + TAG)
      try {
        const decipher = createDecipheriv(CIPHER, forCipher, bytes.subarray(0, NONCE), { authTagLength: TAG })
        decipher.setAAD(Buffer.from(category)).setAuthTag(tag)
        return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString()
      } catch {
        return undefined // it is of a process before this one, or made up
      }
    },

    label: (category, key) => {
      const mark = nonceOf(category, key).toString('base64url').slice(0, 8)
      return `${key.length} ${key.length === 1 ? 'character' : 'characters'} #${mark}`
    },
  }
}
