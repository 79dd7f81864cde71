import Foundation

/// How much faster time passes at a base URL. Only the module `HightouchTesting` adds base URLs, those of its worlds.
package enum TimeScales {
    private static let lock = NSLock()
    /// Guarded by `lock`.
    nonisolated(unsafe) private static var scales: [String: Double] = [:]

    package static func set(_ scale: Double?, at baseURLs: [String]) {
        lock.withLock { for url in baseURLs { scales[url] = scale } }
    }

    /// Returns the scale at the address that a client with this setting uses; nil if it is real time.
    static func scale(at baseURL: String?) -> Double? {
        lock.withLock {
            scales.isEmpty ? nil : scales[baseURL ?? ProcessInfo.processInfo.environment["HIGHTOUCH_BASE_URL"] ?? ""]
        }
    }
}
