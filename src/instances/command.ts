import { Command, type Redis } from 'ioredis'

const UTF8 = { replyEncoding: 'utf8' } as const

/** The command itself, with texts only: ioredis's methods copy and turn their arguments several times. */
export const sendCommand = (redis: Redis, name: string, texts: string[]): Promise<unknown> =>
  redis.sendCommand(new Command(name, texts, UTF8)) as Promise<unknown>
