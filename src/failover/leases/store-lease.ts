import type { CallOptions, LeaseStore } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { EntryName } from '../shelf.js'
import { storeNext } from '../store-write.js'
import { newToken, type PlaceLease } from './place-lease.js'

/** A lease on an entry that lies in a store, under its key at home. */
export const storeLease = (
  store: LeaseStore,
  category: Pick<CategorySettings, 'name' | 'codec' | 'keyPrefix'>,
  { redisKey }: EntryName,
  options: () => CallOptions | undefined,
): PlaceLease => {
  const lease = { key: redisKey, token: newToken(), scope: category.keyPrefix }
  return {
    grant: (request) => store.grant(lease, request, options()),
    renew: (ms) => store.renew(lease, ms, options()),
    fill: (write) => store.fill(lease, storeNext(category, write), options()),
    release: (end) => store.release(lease, end, options()),
  }
}
