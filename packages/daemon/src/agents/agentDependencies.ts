/** What the adapters of a daemon have in common. */
export interface AgentDependencies {
  /** The daemon's own environment, of which the allowed part is passed on. */
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the configuration begin; usually the directory of the configuration file. */
  readonly baseDirectory: string;
  /** Where prompts for people are left. Default: `.neolith/prompts` below `baseDirectory`. */
  readonly promptsDirectory?: string;
}

const PATH_WITHOUT_ANY = '/usr/local/bin:/usr/bin:/bin';

/** Where programs are looked for. */
export function readHostPath({ hostEnvironment }: AgentDependencies): string {
  return hostEnvironment.PATH ?? PATH_WITHOUT_ANY;
}
