"""Lines for a shell that try out a lab; they need no more than curl and sed."""

_JSON = "-H 'content-type: application/json'"


def curl_lines(lb_url: str) -> tuple[str, ...]:
    """Give lines that create a collection, add to it, query it by embedding, and ask the lb."""
    collections = f"{lb_url}/api/v2/tenants/default_tenant/databases/default_database/collections"
    create = '{"name": "test_hello", "get_or_create": true}'
    add = '{"ids": ["a", "b"], "embeddings": [[1, 0], [0, 1]], "documents": ["east", "north"]}'
    query = '{"query_embeddings": [[0.9, 0.1]], "n_results": 1}'
    only_id = 'sed \'s/.*"id": *"\\([0-9a-f-]*\\)".*/\\1/\''
    return (
        f"C={collections}",
        f"ID=$(curl -s $C {_JSON} -d '{create}' | {only_id})",
        f"curl -s $C/$ID/add {_JSON} -d '{add}'",
        f"curl -s $C/$ID/query {_JSON} -d '{query}'",
        f"curl -s {lb_url}/status",
    )
