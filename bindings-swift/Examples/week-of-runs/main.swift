import Foundation
import HightouchSDK

let ht = try Hightouch()
let week = Date(timeIntervalSinceNow: -7 * 86_400)
let lines = try await withThrowingTaskGroup(of: [String].self) { group in
    for sync in try await ht.syncs.list().all() {
        let runs = ht.syncs.runs(.id(sync.id), after: week)
        group.addTask { try await runs.csv(header: false).reduce(into: []) { $0.append($1) } }
    }
    var lines: [String] = []
    for try await more in group { lines += more }
    return lines
}
let header = SyncRunRecord.columns.map(\.name).joined(separator: ",") + "\r\n"
try Data((header + lines.joined()).utf8).write(to: URL(fileURLWithPath: "runs.csv"))
