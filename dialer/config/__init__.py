"""What an operator writes, checked and turned into specs: the campaign file, the service file, the legal rule pack."""

from dialer.config.campaign import AgentsSection, CampaignFile, load_campaign
from dialer.config.fields import E164, AutoDncSection, CapSection, Slug
from dialer.config.flow import FlowFile, load_flow
from dialer.config.law import RulePack, load_rules
from dialer.config.rules import ConditionSection, DispositionSection, PacingSection, PreviewSection
from dialer.config.service import AgentSection, NumberSection, PoolSection, QueueSection, ServiceFile, load_service
from dialer.config.trunk import TrunkSection

__all__ = [
    "E164",
    "AgentSection",
    "AgentsSection",
    "AutoDncSection",
    "CampaignFile",
    "CapSection",
    "ConditionSection",
    "DispositionSection",
    "FlowFile",
    "NumberSection",
    "PacingSection",
    "PoolSection",
    "PreviewSection",
    "QueueSection",
    "RulePack",
    "ServiceFile",
    "Slug",
    "TrunkSection",
    "load_campaign",
    "load_flow",
    "load_rules",
    "load_service",
]
