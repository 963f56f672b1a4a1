import type { Change, CountView } from '../../../sight/contract.js'
import { plural } from '../format.js'

/** The question before a category is cleared, which names the count. `counted`: undefined where nobody could count. */
export const clearingCategory = (
  category: string,
  counted: Pick<CountView, 'entries' | 'atLeast'> | undefined,
  then: () => void,
) => {
  const count = counted && `${counted.atLeast ? 'at least ' : ''}${plural(counted.entries, 'entry', 'entries')}`
  return {
    title: `Clear ${category}?`,
    text:
      count === undefined
        ? `All entries of ${category} will be gone, on its home and wherever there are copies. How many there are isn't known.`
        : `${category} has ${count}, stale ones included. They will be gone, on its home and wherever there are copies.`,
    action: `Clear ${count === undefined || counted?.atLeast ? 'all entries' : count}`,
    change: { do: 'clear-category', category } satisfies Change,
    done: (removed: number | undefined): string =>
      removed === undefined ? `${category} is cleared.` : `${plural(removed, 'entry', 'entries')} cleared.`,
    then,
  }
}
