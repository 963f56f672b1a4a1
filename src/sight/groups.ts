import type { GroupStore } from '../instances/store.js'
import type { Asked, GroupsView } from './contract.js'
import { seenPage } from './refused.js'
import { type RoutingParts, routingNow } from './routing-now.js'

export interface GroupsViewParts extends RoutingParts {
  readonly groups: Pick<GroupStore, 'groupPage'>
  /** State has our adapter. */
  readonly ours: () => boolean
}

/** Groups of state in pages, by names; from where state is served now. */
export const createGroupsView =
  (parts: GroupsViewParts) =>
  async (ask: Asked['groups']): Promise<GroupsView> => {
    const { settings, landscape, groups, ours } = parts
    const mirror = settings.state.mirror ? landscape.mirrorOf(settings.state.instance)?.name : undefined
    const view = {
      ours: ours(),
      home: settings.state.instance,
      servedBy: routingNow(parts).find(({ kind }) => kind === 'state')?.servedBy,
      mirror:
        mirror === undefined
          ? undefined
          : { instance: mirror, current: landscape.calm(mirror) && !landscape.behind(mirror) },
    }
    if (!view.ours) return { ...view, groups: [], cursor: undefined, total: undefined }
    const { search, cursor, limit } = ask
    const page = await groups.groupPage({ search, cursor, limit }).catch((error) => {
      throw seenPage(error, cursor)
    })
    return { ...view, ...page }
  }
