import type { EntryWrite, Tags } from '../instances/store.js'
import type { CategorySettings } from '../settings/settings.js'
import type { ShelfWrite } from './shelf.js'

/** Tags as a store knows them. */
export const storeTags = (category: string, tags: readonly string[] | undefined): Tags | undefined =>
  tags === undefined || tags.length === 0 ? undefined : { category, names: tags }

type Of = Pick<CategorySettings, 'name' | 'codec'>

/** What replaces a text, as a store takes it. */
export const storeNext = (
  { name, codec }: Of,
  { text, endsAt, tags }: Pick<ShelfWrite, 'text' | 'endsAt' | 'tags'>,
): Omit<EntryWrite, 'key'> => ({ text, endsAt, tags: storeTags(name, tags), bare: codec === 'json' })

/** A write to home, as a store takes it. */
export const storeWrite = ({ name, codec }: Of, { redisKey, text, endsAt, tags }: ShelfWrite): EntryWrite => ({
  key: redisKey,
  text,
  endsAt,
  tags: storeTags(name, tags),
  bare: codec === 'json',
})
