import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

const digest = (password: string, salt: string): Buffer => scryptSync(password, salt, 32)

export const hashPassword = (password: string): { salt: string; hash: string } => {
  const salt = randomBytes(16).toString('base64url')
  return { salt, hash: digest(password, salt).toString('base64url') }
}

/** Takes as long for a member who doesn't exist, so that the time doesn't tell who does. */
export const passwordMatches = (password: string, member: { salt: string; hash: string } | undefined): boolean => {
  const given = digest(password, member?.salt ?? 'nobody')
  const expected = member ? Buffer.from(member.hash, 'base64url') : Buffer.alloc(32)
  return timingSafeEqual(given, expected) && member !== undefined
}
