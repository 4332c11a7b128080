/** An edge, by the indices of its tasks, that was taken out because it contradicts others. */
export interface DroppedDependency {
  readonly task: number;
  readonly prerequisite: number;
}
