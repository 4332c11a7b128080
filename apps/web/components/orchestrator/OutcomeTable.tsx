interface Outcomes {
  completed: number;
  failed: number;
  cancelled: number;
}

/** A chart's numbers for those who don't see it. */
export function OutcomeTable({
  caption,
  head,
  rows,
}: {
  caption: string;
  head: string;
  rows: readonly { label: string; outcomes: Outcomes }[];
}) {
  return (
    <div className="sr-only">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col">Completed</th>
            <th scope="col">Failed</th>
            <th scope="col">Cancelled</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, outcomes }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{outcomes.completed}</td>
              <td>{outcomes.failed}</td>
              <td>{outcomes.cancelled}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
