import type { Located, Shelf, Shelves } from '../failover/shelf.js'
import type { CategoryMeter } from './category-meter.js'
import type { Meters } from './meters.js'

/** The same shelves; where what they find came from is counted. */
export const countSources = <S extends Shelves>(shelves: S, meters: Pick<Meters, 'of'>): S => ({
  ...shelves,
  of: (category) => countShelf(shelves.of(category), meters.of(category.name, '')),
})

const countShelf = (shelf: Shelf, meter: Pick<CategoryMeter, 'found'>): Shelf => {
  const count = (found: Located | undefined): void => {
    if (found !== undefined) meter.found(found.source)
  }
  const text = (found: Located | undefined): string | undefined => {
    count(found)
    return found?.text
  }
  return {
    ...shelf,
    // Asked with where it lies: that costs no more than to ask for the text alone.
    read: (name) => shelf.locate(name).then(text),
    readMany: (names) => shelf.locateMany(names).then((found) => found.map(text)),
    locate: (name) =>
      shelf.locate(name).then((found) => {
        count(found)
        return found
      }),
    locateMany: (names) =>
      shelf.locateMany(names).then((found) => {
        found.forEach(count)
        return found
      }),
  }
}
