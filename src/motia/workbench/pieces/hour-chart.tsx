import { type ReactNode, useEffect, useRef } from 'react'
import UPlot from 'uplot'
import type { Line } from '../chart-line.js'
import { formatMinute } from '../format.js'
import { useTheme } from '../use-theme.js'
import { useWidth } from '../use-width.js'

/** s */
const HOUR = 3_600

interface HourChartProps {
  /** What it shows, for those who can't see it. */
  readonly label: string
  /** Epoch ms of each minute, rising. The last one is still running: what it has so far is left out. */
  readonly at: readonly number[]
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  readonly height?: number
}

/** Lines over the minutes of an hour. What the pointer is at is written below it, beside the names. */
export const HourChart = (props: HourChartProps): ReactNode =>
  props.at.length < 3 ? (
    <p className="text-sm text-muted-foreground">It is drawn once two minutes are over.</p>
  ) : (
    <Chart {...props} />
  )

const Chart = ({ label, at, lines, format, height = 180 }: HourChartProps): ReactNode => {
  const place = useRef<HTMLDivElement>(null)
  const said = useRef<HTMLSpanElement>(null)
  const chart = useRef<UPlot>(undefined)
  const width = useWidth(place)
  const theme = useTheme()
  const latest = useRef({ at, lines, format })
  // A chart is made anew only if it becomes another one; new figures go into the one that is there.
  const shape = lines.map(({ name, colour }) => `${name} ${colour}`).join()

  useEffect(() => {
    latest.current = { at, lines, format }
    chart.current?.setData(dataOf(at, lines))
  }, [at, lines, format])

  // biome-ignore lint/correctness/useExhaustiveDependencies: theme and shape decide how it looks, width how wide it is
  useEffect(() => {
    const { current } = place
    if (current === null || width === undefined) return
    const write = (index: number | null | undefined): void => {
      if (said.current !== null) said.current.textContent = reading(latest.current, index)
    }
    const made = new UPlot(
      optionsOf(current, { width, height, ...latest.current, said: write }),
      dataOf(latest.current.at, latest.current.lines),
      current,
    )
    chart.current = made
    return () => {
      chart.current = undefined
      made.destroy()
    }
  }, [width, height, theme, shape])

  return (
    <figure className="m-0 flex min-w-0 flex-col gap-1.5">
      <div ref={place} role="img" aria-label={label} className="min-w-0 overflow-hidden" style={{ height }} />
      <figcaption className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
        {lines.map(({ name, colour }) => (
          <span key={name} className="inline-flex items-center gap-1.5">
            <span aria-hidden="true" className="h-0.5 w-3 rounded-full" style={{ background: `var(${colour})` }} />
            {name}
          </span>
        ))}
        <span ref={said} className="ml-auto min-h-4 text-muted-foreground" />
      </figcaption>
    </figure>
  )
}

const dataOf = (at: readonly number[], lines: readonly Line[]): UPlot.AlignedData => [
  at.slice(0, -1).map((moment) => moment / 1_000),
  ...lines.map(({ values }) => values.slice(0, -1).map((value) => value ?? null)),
]

/** A minute between two without figures has no line to be seen by. */
const alone: UPlot.Series.Points.Filter = ({ data }, series) =>
  Array.from(data[series] ?? []).flatMap((value, at, values) =>
    typeof value === 'number' && typeof values[at - 1] !== 'number' && typeof values[at + 1] !== 'number' ? [at] : [],
  )

/** "14:03 reads 1.2k, writes 30" */
const reading = (
  { at, lines, format }: Pick<HourChartProps, 'at' | 'lines' | 'format'>,
  index: number | null | undefined,
): string => {
  const moment = index === null || index === undefined ? undefined : at[index]
  if (index === null || index === undefined || moment === undefined) return ''
  const figures = lines.flatMap(({ name, values }) => {
    const value = values[index]
    return value === undefined ? [] : [`${name} ${format(value)}`]
  })
  return `${formatMinute(moment)}  ${figures.join(', ')}`
}

const optionsOf = (
  element: HTMLElement,
  {
    width,
    height,
    lines,
    format,
    said,
  }: { width: number; height: number; said: (index: number | null | undefined) => void } & Pick<
    HourChartProps,
    'lines' | 'format'
  >,
): UPlot.Options => {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis: UPlot.Axis = {
    stroke: colour('--mr-grey'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--mr-grid'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(chart) => said(chart.cursor.idx)] },
    scales: {
      x: { time: true, range: (_, _min, last) => [last - HOUR, last] },
      y: { range: (_, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        incrs: [60, 300, 600, 900],
        values: (_, ticks) => ticks.map((tick) => formatMinute(tick * 1_000)),
      },
      { ...axis, size: 60, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(
        (line): UPlot.Series => ({
          label: line.name,
          stroke: colour(line.colour),
          width: 1.5,
          points: { show: true, filter: alone, size: 4 },
          spanGaps: false,
        }),
      ),
    ],
  }
}
