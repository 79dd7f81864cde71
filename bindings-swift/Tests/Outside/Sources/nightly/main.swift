import Foundation
import HightouchSDK
import Job

let authorities = ProcessInfo.processInfo.environment["HIGHTOUCH_DEMO_CA"]
print(try await nightly(Hightouch(configuration: Configuration(caBundle: authorities))))
