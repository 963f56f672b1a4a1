import type { GroupStore } from '../instances/store.js'
import type { Asked, GroupsView } from './contract.js'
import { Away, seenPage } from './refused.js'
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
    return { ...view, ...(await pageOf(groups, ask)) }
  }

const pageOf = async (
  groups: GroupsViewParts['groups'],
  { search, cursor, limit }: Asked['groups'],
): Promise<Pick<GroupsView, 'groups' | 'cursor' | 'total'>> => {
  try {
    return await groups.groupPage({ search, cursor, limit })
  } catch (error) {
    const failure = seenPage(error, cursor)
    if (!(failure instanceof Away)) throw failure
    // Who serves it says so.
    return { groups: [], cursor: undefined, total: undefined }
  }
}
