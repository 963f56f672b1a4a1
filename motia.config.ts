import endpointPlugin from '@motiadev/plugin-endpoint/plugin'
import logsPlugin from '@motiadev/plugin-logs/plugin'
import observabilityPlugin from '@motiadev/plugin-observability/plugin'
import statesPlugin from '@motiadev/plugin-states/plugin'
import { config } from 'motia'
import { redisTiers } from 'motia-redis'
import { categories } from './cache.config'
import { members } from './steps/shared/database'

const tiers = redisTiers({
  categories,
  loaders: {
    // A profile that isn't cached is read from the database, here in the server process.
    user: async (id) => {
      const member = await members.get(id)
      return member && { id: member.id, name: member.name, memberSince: new Date(member.since) }
    },
  },
  // Older calls name no category; their keys tell.
  inferCategory: { 'order:': 'orders' },
})

export default config({
  adapters: { state: tiers.state },
  plugins: [observabilityPlugin, statesPlugin, endpointPlugin, logsPlugin, tiers.plugin],
})
