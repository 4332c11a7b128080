declare module 'toposort' {
  const toposort: { array(nodes: string[], edges: [string, string][]): string[] };
  export default toposort;
}
