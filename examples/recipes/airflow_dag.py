from datetime import timedelta

from airflow.sdk import DAG
from airflow_hightouch import HightouchSync

with DAG("nightly", schedule=None):
    HightouchSync(task_id="orders", sync="orders-to-salesforce", execution_timeout=timedelta(hours=2))
