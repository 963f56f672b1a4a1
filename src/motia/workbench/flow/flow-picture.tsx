import { cn } from '@motiadev/ui'
import { type ReactNode, useRef } from 'react'
import type { InstanceView, Overview } from '../../../sight/contract.js'
import { formatShort, plural } from '../format.js'
import { instanceTone, placeWord, stateWord } from '../instance-words.js'
import { toneClass } from '../pieces/pill.js'
import { useWidth } from '../use-width.js'
import { inWords, type Lane, lanesOf, targetsOf, wordOf } from './lanes.js'
import { type LaidLane, type LaidLink, type LaidTarget, layoutFlow } from './layout.js'

/** Where data goes at this moment, from what steps use to what keeps it. */
export const FlowPicture = ({ overview }: { readonly overview: Overview }): ReactNode => {
  const place = useRef<HTMLDivElement>(null)
  const width = useWidth(place)
  const { routing, instances } = overview
  const lanes = lanesOf(routing, instances)
  const layout = width === undefined ? undefined : layoutFlow(lanes, targetsOf(routing, instances), width)
  return (
    <div ref={place} className="min-h-60 min-w-0" data-testid="cache-flow">
      {layout !== undefined && (
        <svg
          width={layout.width}
          height={layout.height}
          role="img"
          aria-label={inWords(lanes)}
          className="mr-flow block"
        >
          {layout.links.map((laid) => (
            <Way key={`${laid.link.lane} ${laid.link.to} ${laid.link.kind}`} laid={laid} temperatures={lanes} />
          ))}
          {layout.links.map((laid) => (
            <WayWord key={`${laid.link.lane} ${laid.link.to} ${laid.link.kind}`} laid={laid} />
          ))}
          {layout.lanes.map((laid) => (
            <LaneBox key={laid.lane.id} laid={laid} />
          ))}
          {layout.targets.map((laid) => (
            <TargetBox key={laid.target.name} laid={laid} />
          ))}
        </svg>
      )}
    </div>
  )
}

const titles = { hot: 'Hot', warm: 'Warm', cold: 'Cold' } as const

const LaneBox = ({ laid: { lane, lines, x, y, width, height } }: { readonly laid: LaidLane }): ReactNode => (
  <g transform={`translate(${x} ${y})`} data-testid={`cache-lane-${lane.id}`}>
    <rect width={width} height={height} rx={8} className="mr-flow-box" />
    <rect width={4} height={height - 16} x={0} y={8} rx={2} className={`mr-fill-${lane.temperature}`} />
    <text x={16} y={20} className="mr-flow-title">
      {titles[lane.temperature]}
    </text>
    <text x={16} y={35} className="mr-flow-note">
      {lane.id === 'state'
        ? 'context.state'
        : fitting(width < 200 ? `home ${lane.home}` : `context.cache, home ${lane.home}`, width - 24)}
    </text>
    {lines.map((line, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: two lines may be equal once they are cut off
      <text key={index} x={16} y={44 + 13 + index * 17} className="mr-flow-names">
        {line}
      </text>
    ))}
  </g>
)

const TargetBox = ({ laid: { target, x, y, width, height } }: { readonly laid: LaidTarget }): ReactNode => {
  const { name, instance } = target
  const tone = instance === undefined ? 'warn' : instanceTone(instance)
  const kept = instance?.journal.entries ?? 0
  const recovery = instance?.recovery
  return (
    <g transform={`translate(${x} ${y})`} data-testid={`cache-target-${name}`} data-state={instance?.state}>
      <rect width={width} height={height} rx={8} className={cn('mr-flow-box', tone !== 'ok' && `mr-flow-${tone}`)} />
      <circle cx={16} cy={17} r={4} className={cn('fill-current', toneClass(tone))} />
      <text x={27} y={21} className="mr-flow-title">
        {fitting(placeWord(name), width - 36)}
      </text>
      <text
        x={14}
        y={39}
        className={cn('mr-flow-note', tone !== 'ok' && 'mr-flow-said', tone !== 'ok' && toneClass(tone))}
      >
        {instance === undefined ? 'serves meanwhile' : fitting(standing(instance), width - 24)}
      </text>
      {recovery !== undefined && recovery.total > 0 ? (
        <Replay {...recovery} width={width} />
      ) : (
        <text x={14} y={55} className="mr-flow-note">
          {kept > 0 ? `${formatShort(kept)} in the journal` : instance && fitting(homesOf(instance), width - 24)}
        </text>
      )}
    </g>
  )
}

const Replay = ({ done, total, width }: { readonly done: number; readonly total: number; readonly width: number }) => (
  <>
    <rect x={14} y={50} width={width - 28} height={5} rx={2.5} className="mr-flow-track" />
    <rect x={14} y={50} width={(width - 28) * Math.min(1, done / total)} height={5} rx={2.5} className="mr-fill-info" />
  </>
)

/** Files are there when they are needed; they aren't up or down. */
const standing = (instance: InstanceView): string =>
  instance.kind === 'embedded' && instance.state === 'up' && instance.standsInFor.length === 0
    ? 'ready'
    : stateWord(instance)

const homesOf = ({ kind, categories, holdsState, standsInFor }: InstanceView): string => {
  if (standsInFor.length > 0) return `stands in for ${standsInFor.length}`
  if (kind === 'embedded') return 'local files'
  const homes = categories.filter((name) => name !== 'state').length
  return `${holdsState ? 'state, ' : ''}${plural(homes, 'category', 'categories')}`
}

const Way = ({
  laid: { link, path },
  temperatures,
}: {
  readonly laid: LaidLink
  readonly temperatures: readonly Lane[]
}): ReactNode => {
  const { kind, names } = link
  const temperature = temperatures.find(({ id }) => id === link.lane)?.temperature ?? 'warm'
  const alive = kind === 'home' || kind === 'stand-in'
  return (
    <g data-testid="cache-way" data-kind={kind} data-lane={link.lane} data-to={link.to}>
      <title>{`${names.join(', ')}: ${wordOf(link) || 'served at home'}, ${placeWord(link.to)}`}</title>
      <path d={path} className={cn('mr-way', `mr-way-${kind}`, alive && `mr-stroke-${temperature}`)} />
      {kind === 'home' && <path d={path} className={cn('mr-way-moving', `mr-stroke-${temperature}`)} />}
    </g>
  )
}

/** Above all ways, so that none crosses it out. */
const WayWord = ({ laid: { link, labelAt } }: { readonly laid: LaidLink }): ReactNode =>
  labelAt === undefined ? null : (
    <text x={labelAt.x} y={labelAt.y} textAnchor="middle" className={cn('mr-way-word', `mr-way-word-${link.kind}`)}>
      {wordOf(link)}
    </text>
  )

/** SVG text doesn't wrap and isn't cut by itself. */
const fitting = (text: string, width: number): string => {
  const letters = Math.floor(width / 6.4)
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`
}
