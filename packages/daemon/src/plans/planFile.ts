/** One file of a plan, as it was read from the disk. */
export interface PlanFile {
  /** As it should stand in messages; its ending helps to recognise the format. */
  readonly fileName: string;
  /** The bytes of the file, at most 50 MB; a text is taken as already decoded. */
  readonly content: Uint8Array | string;
}
