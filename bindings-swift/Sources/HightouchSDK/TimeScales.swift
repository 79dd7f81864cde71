import Foundation

/// How much faster time passes at a base URL. Only the module `HightouchTesting` adds base URLs, those of its worlds.
package enum TimeScales {
    private static let lock = NSLock()
    /// Guarded by `lock`.
    nonisolated(unsafe) private static var scales: [String: Double] = [:]

    package static func set(_ scale: Double?, at baseURLs: [String]) {
        lock.withLock { for url in baseURLs { scales[url] = scale } }
    }

    /// Returns how many times faster time passes for a client with this base URL, or with that of the environment if it is
    /// nil. Nil if time passes as usual there.
    static func scale(at baseURL: String?) -> Double? {
        lock.withLock {
            scales.isEmpty ? nil : scales[baseURL ?? ProcessInfo.processInfo.environment["HIGHTOUCH_BASE_URL"] ?? ""]
        }
    }
}
