import type { ComponentChildren, JSX } from 'preact'

export interface Column<Row> {
  readonly title: string
  readonly draw: (row: Row) => ComponentChildren
  /** 'number' stands at the right; 'wraps' may take several lines. */
  readonly kind?: 'number' | 'number share' | 'wraps' | 'code' | 'bar-cell'
  /** Left out where there is no room. */
  readonly minor?: boolean
}

interface TableProps<Row> {
  /** What the table holds, for who cannot see where it stands. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string | number
}

/** A table with a head; the first column names the row. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>): JSX.Element {
  const classOf = ({ kind, minor }: Column<Row>): string => `${kind ?? ''}${minor === true ? ' minor' : ''}`
  return (
    <div class="scroll">
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={classOf(column).replace('code', '')}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, at) =>
                at === 0 ? (
                  <th key={column.title} scope="row" class={classOf(column)}>
                    {column.draw(row)}
                  </th>
                ) : (
                  <td key={column.title} class={classOf(column)}>
                    {column.draw(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A panel with a title and a table, or words where there is nothing. */
interface ListPanelProps<Row> extends TableProps<Row> {
  readonly title: string
  readonly empty: ComponentChildren
  /** Beside the title. */
  readonly children?: ComponentChildren
}

export function ListPanel<Row>({ title, empty, children, ...table }: ListPanelProps<Row>): JSX.Element {
  return (
    <section class="panel">
      <div class="panel-title">
        <h2>{title}</h2>
        {children}
      </div>
      {table.rows.length === 0 ? <p class="quiet nothing">{empty}</p> : <Table {...table} />}
    </section>
  )
}
