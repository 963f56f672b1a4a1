import parse from 'parse-prometheus-text-format'

/** A scrape as a reader of Prometheus' text format understands it; of a histogram each part for itself. */
export interface Scrape {
  readonly families: ReturnType<typeof parse>
  /** The names that were announced, with their types. */
  readonly types: ReadonlyMap<string, string>
  /** Of the series with these labels, and no others. Undefined: there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

export const readScrape = (text: string): Scrape => {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  // The parser knows of histograms only those without labels.
  const families = parse(text.replaceAll(/^# TYPE (\S+) histogram$/gm, '# TYPE $1 untyped'))
  return {
    families,
    types,
    value: (name, labels = {}) => {
      const wanted = sorted(labels)
      // What isn't next to its like comes as a family of its own.
      const all = families.filter((family) => family.name === `motia_redis_${name}`).flatMap(({ metrics }) => metrics)
      const found = all.find((metric) => sorted(metric.labels ?? {}) === wanted)
      return found?.value === undefined ? undefined : Number(found.value)
    },
  }
}

const sorted = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
