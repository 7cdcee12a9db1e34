/**
 * Operations of Stripe and GitHub. `stripe.json` and `github.json` are their documents, reduced to these operations, without
 * texts (both MIT).
 */
export const knownDocuments = {
  stripe: {
    overlay: `extend type Query {
  GetCustomersCustomer: GetCustomersCustomer_result
  GetCouponsCoupon(coupon: String! @is(field: "id")): coupon @lookup
}
extend type Mutation { PostCoupons: coupon DeleteCouponsCoupon: deleted_coupon }
extend type coupon { id: ID! }
`,
    written: [
      'expand: [String!]',
      'GetCustomersCustomer_result @http(method: "GET", path: "/v1/customers/{customer}", parameters: [{argument: "customer", name: "customer", in: "path", style: "simple"}, {argument: "expand", name: "expand", in: "query", style: "deepObject", explode: true}])',
      'union GetCustomersCustomer_result @variants(of: [{type: "customer", required: ["created"]}, {type: "deleted_customer", required: ["deleted"]}]) = customer | deleted_customer',
      '@http(method: "POST", path: "/v1/coupons", body: {argument: "body", mediaType: "application/x-www-form-urlencoded", encoding: [{name: "applies_to", style: "deepObject", explode: true}',
      'DeleteCouponsCoupon(coupon: String!): deleted_coupon @http(method: "DELETE", path: "/v1/coupons/{coupon}", parameters: [{argument: "coupon", name: "coupon", in: "path", style: "simple"}])',
      'amount_off: Long',
      'test_clock: JSON',
    ],
  },
  github: {
    overlay: `extend type Query {
  users_get_by_username: users_get_by_username_result
  reactions_list_for_issue: [reaction]
  gists_get(gist_id: String! @is(field: "id")): gist_simple @lookup
}
extend type Mutation { markdown_render: String }
extend type gist_simple { id: ID! }
`,
    written: [
      'union users_get_by_username_result @variants(property: "user_view_type", of: [{type: "private_user", values: ["private"]}, {type: "public_user", values: ["public"]}]) = private_user | public_user',
      'plus_1 @json(name: "+1")\\n  minus_1 @json(name: "-1")',
      'per_page: Long',
      'markdown_render(body: markdown_renderInput!): String @http(method: "POST", path: "/markdown", body: {argument: "body", mediaType: "application/json"}, result: "text")',
      'files: JSON',
    ],
  },
} as const;
