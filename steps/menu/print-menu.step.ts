import type { ApiRouteConfig, Handlers } from 'motia'
import { cacheResponse } from 'motia-redis/step'
import { dishes } from '../shared/database'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'PrintMenu',
  description: 'The menu as a text to print; the whole answer is cached, so prices on paper may be a minute old',
  flows: ['menu'],
  method: 'GET',
  path: '/menu/print',
  middleware: [cacheResponse({ category: 'cache', ttl: '1m', vary: ['accept-language'] })],
  emits: [],
}

export const handler: Handlers['PrintMenu'] = async ({ headers }) => {
  const language = String(headers['accept-language'] ?? '').startsWith('de') ? 'de' : 'en'
  const price = new Intl.NumberFormat(language, { style: 'currency', currency: 'EUR' })
  const lines = (await dishes.all()).map(({ name, cents }) => `${name.padEnd(24)} ${price.format(cents / 100)}`)
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: lines.join('\n') }
}
