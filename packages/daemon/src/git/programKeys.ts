/** Of `core`, what starts no program and leads git nowhere else, or what `runGit` sets itself for every command. */
const HARMLESS_IN_CORE: ReadonlySet<string> = new Set([
  'abbrev',
  'askpass',
  'attributesfile',
  'autocrlf',
  'bigfilethreshold',
  'checkstat',
  'commentchar',
  'commitgraph',
  'compression',
  'deltabasecachelimit',
  'eol',
  'excludesfile',
  'filemode',
  'filesreflocktimeout',
  'fscache',
  'fsmonitor',
  'hookspath',
  'ignorecase',
  'ignorestat',
  'logallrefupdates',
  'longpaths',
  'loosecompression',
  'multipackindex',
  'packedrefstimeout',
  'pager',
  'precomposeunicode',
  'preloadindex',
  'quotepath',
  'repositoryformatversion',
  'safecrlf',
  'sharedrepository',
  'sparsecheckout',
  'sparsecheckoutcone',
  'splitindex',
  'symlinks',
  'trustctime',
  'untrackedcache',
  'whitespace',
]);

/** Of `remote.<name>`, what every clone, fetch and push writes. */
const HARMLESS_OF_REMOTES: ReadonlySet<string> = new Set([
  'fetch',
  'gh-resolved',
  'mirror',
  'prune',
  'prunetags',
  'push',
  'pushurl',
  'skipdefaultupdate',
  'tagopt',
  'url',
]);

/** Sections of which every key counts. Some are here that git itself does not read: `lfs` steers a filter. */
const WHOLE_SECTIONS: ReadonlySet<string> = new Set([
  'alias',
  'browser',
  'credential',
  'difftool',
  'filter',
  'gpg',
  'guitool',
  'hook',
  'http',
  'imap',
  'include',
  'includeif',
  'instaweb',
  'interactive',
  'man',
  'mergetool',
  'pager',
  'protocol',
  'receive',
  'sendemail',
  'sequence',
  'ssh',
  'tar',
  'trailer',
  'uploadpack',
  'url',
  'web',
]);

/** Sections that only commands heed which a person gives. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  'alias',
  'browser',
  'difftool',
  'guitool',
  'imap',
  'instaweb',
  'interactive',
  'man',
  'mergetool',
  'pager',
  'sendemail',
  'tar',
  'web',
]);

/** Whether none of the git commands that the daemon itself gives runs a program by this key. Pure. */
export function isForPeople(name: string): boolean {
  return FOR_PEOPLE.has(name.slice(0, name.indexOf('.')).toLowerCase());
}

/**
 * Whether a key of git's configuration can make git run a program, or read other configuration or another repository:
 * now or in a later command of the user's. A list of what counts rather than of what does not: agents and tools write
 * all sorts of harmless keys. Pure; as git lists them, section and key in lower case.
 */
export function isProgramKey(name: string): boolean {
  const section = name.slice(0, name.indexOf('.')).toLowerCase();
  const key = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const hasSubsection = name.indexOf('.') !== name.lastIndexOf('.');
  if (WHOLE_SECTIONS.has(section)) return true;
  switch (section) {
    case 'core':
      return !HARMLESS_IN_CORE.has(key);
    case 'remote':
      return !HARMLESS_OF_REMOTES.has(key);
    case 'branch':
      return key === 'mergeoptions';
    case 'diff':
      return hasSubsection || key === 'external' || key === 'tool' || key === 'guitool';
    case 'merge':
      return hasSubsection || key === 'tool' || key === 'guitool' || key === 'default';
    case 'pull':
      return key === 'twohead' || key === 'octopus';
    case 'submodule':
      return key === 'update';
    case 'lfs':
      return hasSubsection && !/\.(?:access|locksverify)$/i.test(name);
    default:
      // `cmd`, `command`, `program`… in a section that git learns to read one day.
      return /(?:command|cmd|program|driver|helper|path|editor|agent)$/.test(key) && section !== 'lfs';
  }
}
