import { statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { findFile, foldersBeside, type FileWanted } from './find-file.ts'
import { fetchModel, type DownloadEvent, type FetchModelOptions } from './hub/fetch-model.ts'
import { parseHubName } from './hub/hub-name.ts'

/** A kind of file that goes with a model. */
export interface FileKind extends Pick<FileWanted, 'what' | 'endings'> {
  /** What folders of such files are called beside a model and in a folder of models. */
  readonly folders: readonly string[]
  /** The file of a repository on Hugging Face that names none. */
  readonly usual: string
}

export interface LocateFileOptions extends FetchModelOptions {
  /** Path of the model it goes with. */
  readonly model: string
  /** A folder to look in first. */
  readonly first?: string | undefined
  /** Folder of models, as for `locateModel`. */
  readonly modelsDir?: string | undefined
}

/**
 * The path of a file that goes with a model, as a user names it: a path; a name that is looked for beside the model and in the folder of
 * models; or `owner/name` or `owner/name/file` on Hugging Face. Yields how far a download is.
 *
 * @throws OfgenError model_missing, and what {@link fetchModel} throws.
 */
export async function* locateFile(
  name: string,
  { folders, usual, ...kind }: FileKind,
  { model, first, modelsDir = process.env['OFGEN_MODELS_DIR'] || undefined, ...options }: LocateFileOptions,
): AsyncGenerator<DownloadEvent, string, undefined> {
  if (statSync(name, { throwIfNoEntry: false }) !== undefined) return name
  const below =
    modelsDir === undefined ? [] : [modelsDir, join(modelsDir, 'models')].flatMap((root) => folders.map((one) => join(root, one)))
  const places = [...(first === undefined ? [] : [first]), ...foldersBeside(model, folders), ...below.filter(isFolder)]
  try {
    return findFile({ name, ...kind, folders: places })
  } catch (error) {
    const onHub = parseHubName(name)
    // One slash and an ending is a path that is not there.
    if (onHub === undefined || (onHub.file === undefined && kind.endings.includes(extname(name)))) throw error
    return yield* fetchModel({ ...onHub, file: onHub.file ?? usual }, options)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
