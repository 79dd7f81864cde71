/// What a request does to a field that may be `null`: leaves the field as it is, clears it, or sets it.
///
/// ```swift
/// let hourly = Schedule(type: "cron", schedule: .cron(CronRule(expression: "0 * * * *")))
/// try await ht.syncs.update("orders-to-salesforce", schedule: .set(hourly))
/// try await ht.syncs.update("orders-to-salesforce", disabled: true)  // keeps the schedule
/// try await ht.syncs.update("orders-to-salesforce", schedule: .null)  // clears the schedule
/// ```
public enum Patch<Value> {
    /// Leaves the field as it is: the request does not contain the field.
    case absent
    /// Clears the field: the request contains `null`.
    case null
    /// Sets the field to a value.
    case set(Value)

    /// Sets the field to a value, or clears it if the value is nil.
    ///
    /// Use this method to copy an optional property, such as the schedule of another sync.
    ///
    /// - Parameter value: The value, or nil to clear the field.
    /// - Returns: The patch.
    public static func setOrClear(_ value: Value?) -> Patch { value.map(Patch.set) ?? .null }
}

extension Patch: Sendable where Value: Sendable {}
extension Patch: Equatable where Value: Equatable {}
extension Patch: Hashable where Value: Hashable {}

extension Patch: ExpressibleByNilLiteral {
    /// Creates ``absent``. So nil leaves the field as it is, as nil does for every argument of an update.
    public init(nilLiteral: ()) { self = .absent }
}

extension Patch where Value: Encodable & Sendable {
    /// The value to send for the field; nil if the request does not contain the field.
    var sent: (any Encodable & Sendable)? {
        switch self {
        case .absent: nil
        case .null: JSONValue.null
        case .set(let value): value
        }
    }
}
