import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Stands for your database: one JSON file per row below .motia/demo-database, so that every step process
 * sees the same rows. It begins with the rows given here.
 */
const table = <Row extends { id: string }>(name: string, firstRows: readonly Row[]) => {
  const folder = join(process.cwd(), '.motia', 'demo-database', name)
  const file = (id: string) => join(folder, `${encodeURIComponent(id)}.json`)
  const read = (path: string) =>
    readFile(path, 'utf8').then(
      (text) => JSON.parse(text) as Row,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      },
    )

  const get = async (id: string): Promise<Row | undefined> =>
    (await read(file(id))) ?? firstRows.find((row) => row.id === id)

  /** Other processes see the old row or the new one, never half of it. */
  const draftOf = async (row: Row): Promise<string> => {
    await mkdir(folder, { recursive: true })
    const draft = `${file(row.id)}.${process.pid}`
    await writeFile(draft, JSON.stringify(row))
    return draft
  }

  const put = async (row: Row): Promise<void> => {
    await rename(await draftOf(row), file(row.id))
  }

  /** A new row; of two that add the same id at once, one does. Answers whether it was this one. */
  const add = async (row: Row): Promise<boolean> => {
    if (firstRows.some(({ id }) => id === row.id)) return false
    const draft = await draftOf(row)
    try {
      await link(draft, file(row.id)) // unlike rename, it replaces nothing
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    } finally {
      await rm(draft)
    }
  }

  const all = async (): Promise<Row[]> => {
    await mkdir(folder, { recursive: true })
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
    const added = await Promise.all(names.map((name) => get(decodeURIComponent(name.slice(0, -'.json'.length)))))
    const rows = new Map([...firstRows, ...added.filter((row) => row !== undefined)].map((row) => [row.id, row]))
    return [...rows.values()]
  }

  return { get, put, add, all }
}

export interface Member {
  id: string
  name: string
  role: 'guest' | 'admin'
  since: string
  /** scrypt of the password: see ../auth/password.ts. */
  salt: string
  hash: string
}

/** The password of both is "motia". */
export const members = table<Member>('members', [
  {
    id: 'ada',
    name: 'Ada',
    role: 'admin',
    since: '2021-03-01T09:00:00.000Z',
    salt: 'demo-ada',
    hash: 'i2SbMV-MYlfGpnCTJu-L6gnTOssiIAgECHm0Og-q5YM',
  },
  {
    id: 'bob',
    name: 'Bob',
    role: 'guest',
    since: '2024-11-20T12:30:00.000Z',
    salt: 'demo-bob',
    hash: '1oYP4MbhqcHGslnO76qa79kuu99TccZBQrKq64s4HN4',
  },
])

export const dishes = table('dishes', [
  { id: 'soup', name: 'Tomato soup', cents: 650 },
  { id: 'pasta', name: 'Pasta al limone', cents: 1250 },
  { id: 'tart', name: 'Apple tart', cents: 700 },
])
