/** Finds the program `hightouch-sandbox`, which the package for this platform contains. */

function targets(platform: string, arch: string): string[] {
  if (platform === 'win32') return [`win32-${arch}-msvc`]
  if (platform !== 'linux') return [`${platform}-${arch}`]
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const names = [`linux-${arch}-gnu`, `linux-${arch}-musl`]
  return header.glibcVersionRuntime === undefined ? names.reverse() : names
}

/**
 * Returns the path of the program `hightouch-sandbox`: the value of the variable `HIGHTOUCH_SANDBOX`, else the path of
 * the program in the package for this platform.
 *
 * @throws Error if the package for this platform is not installed. The message names the package.
 */
export function programPath(): string {
  const named = process.env.HIGHTOUCH_SANDBOX
  if (named) return named
  const names = targets(process.platform, process.arch)
  const file = process.platform === 'win32' ? 'hightouch-sandbox.exe' : 'hightouch-sandbox'
  for (const name of names) {
    try {
      return require.resolve(`hightouch-sandbox-${name}/${file}`)
    } catch {
      // This package is not installed, but the package for the other C library (glibc or musl) may be.
    }
  }
  const packages = names.map((name) => `hightouch-sandbox-${name}`).join(' or ')
  throw new Error(
    `The program of hightouch-sandbox for ${process.platform} ${process.arch} is not installed: it is in ${packages}. ` +
      'Install hightouch-sandbox again on this machine, with optional dependencies.',
  )
}
