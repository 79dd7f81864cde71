import Foundation

/// The time scales of clients, by base URL. A time scale of 10 means that time passes ten times faster for the client.
/// Only the module `HightouchTesting` adds base URLs: those of the worlds that it creates.
package enum TimeScales {
    private static let lock = NSLock()
    /// Guarded by `lock`.
    nonisolated(unsafe) private static var scales: [String: Double] = [:]

    package static func set(_ scale: Double?, at baseURLs: [String]) {
        lock.withLock { for url in baseURLs { scales[url] = scale } }
    }

    /// Returns the time scale of a client with this base URL; nil if the client uses real time. If `baseURL` is nil,
    /// the environment names the base URL.
    static func scale(at baseURL: String?) -> Double? {
        lock.withLock {
            scales.isEmpty ? nil : scales[baseURL ?? ProcessInfo.processInfo.environment["HIGHTOUCH_BASE_URL"] ?? ""]
        }
    }
}
