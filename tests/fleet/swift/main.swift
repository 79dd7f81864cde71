// Reads a sync again and again, in eight tasks, for SECONDS seconds: `load NAME SECONDS`. Each request has the
// header `X-Load: NAME`.

import Foundation
import HightouchSDK

let arguments = CommandLine.arguments
guard arguments.count == 3, let seconds = Double(arguments[2]) else { fatalError("load NAME SECONDS") }
let end = ContinuousClock.now + .seconds(seconds)
let certificates = ProcessInfo.processInfo.environment["HIGHTOUCH_DEMO_CA"]
let ht = try Hightouch(configuration: Configuration(caBundle: certificates, headers: ["X-Load": arguments[1]]))
try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
        group.addTask { while ContinuousClock.now < end { _ = try await ht.syncs.get(1) } }
    }
    try await group.waitForAll()
}
