import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Folder for what ofgen can make again: environment variable OFGEN_CACHE, else the platform's place for such files
 * (XDG_CACHE_HOME or ~/.cache, ~/Library/Caches, LOCALAPPDATA).
 */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): string {
  const own = environment['OFGEN_CACHE']
  if (own) return own
  if (platform === 'win32') return join(environment['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'ofgen', 'cache')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ofgen')
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'ofgen')
}
