import HightouchSDK

/// Runs a sync and returns a line for the log.
public func nightly(_ ht: Hightouch) async throws -> String {
    do {
        let result = try await ht.syncs.trigger("orders-to-salesforce").wait(timeout: .seconds(1800))
        return "\(result.status): \(result.failedRows.total) rows rejected"
    } catch let error as HightouchError where error.kind == .runFailed {
        return "failed: \(error.message)"
    }
}
