import { cn, TableBody, TableCell, TableHead, TableHeader, TableRow } from '@motiadev/ui'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { type Sorting, sorted } from '../sorting.js'

export interface Column<Row> {
  readonly id: string
  readonly head: string
  readonly cell: (row: Row) => ReactNode
  /** Figures stand at the right. */
  readonly right?: boolean
  /** Shown only where there is room: from 640 or 1024 px on. */
  readonly from?: 'md' | 'lg'
  /** What the rows can be sorted by. Undefined: not known, which comes last. */
  readonly sort?: (row: Row) => number | string | undefined
  readonly title?: string
}

interface DataTableProps<Row> {
  /** What is in it, for those who can't see it. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** Opens a row: by the mouse anywhere in it, by the keyboard through its first cell. */
  readonly onOpen?: (row: Row) => void
  /** Which rows can be opened. @default all */
  readonly opens?: (row: Row) => boolean
  readonly openKey?: string | undefined
  /** At first; otherwise as the rows come. */
  readonly sortedBy?: Sorting
  readonly 'data-testid': string
}

const hidden = { md: 'hidden @2xl:table-cell', lg: 'hidden @5xl:table-cell' } as const

export const DataTable = <Row,>(props: DataTableProps<Row>): ReactNode => {
  const { label, columns, rows, keyOf, openKey, sortedBy, opens = () => true } = props
  const [sorting, setSorting] = useState<Sorting | undefined>(sortedBy)
  const by = columns.find(({ id }) => id === sorting?.by)?.sort
  const shown = sorting === undefined || by === undefined ? rows : sorted(rows, by, sorting.down)
  const classOf = ({ right, from }: Column<Row>): string =>
    cn(right && 'text-right', from !== undefined && hidden[from])

  return (
    // Not the library's Table: that scrolls in itself, where the head could stick to nothing.
    <table className="w-full caption-bottom text-sm" aria-label={label} data-testid={props['data-testid']}>
      <TableHeader className="mr-table-head sticky top-0 z-5">
        <TableRow>
          {columns.map((column) => (
            <TableHead
              key={column.id}
              scope="col"
              title={column.title}
              className={cn('h-9 whitespace-nowrap bg-transparent px-3 text-xs', classOf(column))}
              {...(column.sort !== undefined && { 'aria-sort': ariaSort(sorting, column.id) })}
            >
              {column.sort === undefined ? (
                column.head
              ) : (
                <SortButton {...{ column, sorting }} onSort={(down) => setSorting({ by: column.id, down })} />
              )}
            </TableHead>
          ))}
        </TableRow>
      </TableHeader>
      <TableBody>
        {shown.map((row) => {
          const key = keyOf(row)
          const open = key === openKey
          const onOpen = opens(row) ? props.onOpen : undefined
          return (
            <TableRow
              key={key}
              data-testid={`${props['data-testid']}-row`}
              data-key={key}
              data-state={open ? 'selected' : undefined}
              className={cn('border-border/60', onOpen !== undefined && 'cursor-pointer', open && 'bg-muted')}
              onClick={
                onOpen === undefined
                  ? undefined
                  : ({ currentTarget }) => {
                      if (hasSelection()) return
                      // What opens gives the focus back to where it is now.
                      currentTarget.querySelector('button')?.focus({ preventScroll: true })
                      onOpen(row)
                    }
              }
            >
              {columns.map((column, index) => (
                <TableCell key={column.id} className={cn('px-3 py-1.5 text-sm', classOf(column))}>
                  {index === 0 && onOpen !== undefined ? (
                    <button
                      type="button"
                      className="mr-row-button max-w-full text-left"
                      aria-expanded={open}
                      onClick={(event) => {
                        event.stopPropagation()
                        onOpen(row)
                      }}
                    >
                      {column.cell(row)}
                    </button>
                  ) : (
                    column.cell(row)
                  )}
                </TableCell>
              ))}
            </TableRow>
          )
        })}
      </TableBody>
    </table>
  )
}

/** Whoever marks text in a row wants to copy it, not to open the row. */
const hasSelection = (): boolean => (getSelection()?.toString() ?? '') !== ''

const ariaSort = (sorting: Sorting | undefined, id: string): 'ascending' | 'descending' | 'none' => {
  if (sorting?.by !== id) return 'none'
  return sorting.down ? 'descending' : 'ascending'
}

const SortButton = <Row,>({
  column,
  sorting,
  onSort,
}: {
  readonly column: Column<Row>
  readonly sorting: Sorting | undefined
  readonly onSort: (down: boolean) => void
}): ReactNode => {
  const mine = sorting?.by === column.id
  const Arrow = sorting?.down === true ? ArrowDown : ArrowUp
  return (
    <button
      type="button"
      className={cn('mr-row-button inline-flex items-center gap-1', column.right && 'flex-row-reverse')}
      // Figures are most often looked at from the top, names from A.
      onClick={() => onSort(mine ? !sorting.down : column.right === true)}
    >
      {column.head}
      <Arrow aria-hidden="true" className={cn('size-3', !mine && 'invisible')} />
    </button>
  )
}
