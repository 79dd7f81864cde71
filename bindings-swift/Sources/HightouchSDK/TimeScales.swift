import Foundation

/// For each base URL, how many times faster than real time the time of clients passes. Only the module
/// `HightouchTesting` adds base URLs, namely those of its worlds.
package enum TimeScales {
    private static let lock = NSLock()
    /// Guarded by `lock`.
    nonisolated(unsafe) private static var scales: [String: Double] = [:]

    package static func set(_ scale: Double?, at baseURLs: [String]) {
        lock.withLock { for url in baseURLs { scales[url] = scale } }
    }

    /// Returns how many times faster than real time the time of a client with this base URL passes; nil if the client
    /// uses real time. If `baseURL` is nil, the environment names the base URL.
    static func scale(at baseURL: String?) -> Double? {
        lock.withLock {
            scales.isEmpty ? nil : scales[baseURL ?? ProcessInfo.processInfo.environment["HIGHTOUCH_BASE_URL"] ?? ""]
        }
    }
}
