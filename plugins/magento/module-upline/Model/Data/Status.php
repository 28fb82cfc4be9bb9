<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\StatusInterface;

/**
 * How the module stands.
 */
class Status extends DataObject implements StatusInterface
{
    /**
     * @inheritDoc
     */
    public function getInstallId(): string
    {
        return (string) $this->getData('install_id');
    }

    /**
     * @inheritDoc
     */
    public function getSite(): string
    {
        return (string) $this->getData('site');
    }

    /**
     * @inheritDoc
     */
    public function getStoreId(): string
    {
        return (string) $this->getData('store_id');
    }

    /**
     * @inheritDoc
     */
    public function getModule(): string
    {
        return (string) $this->getData('module');
    }

    /**
     * @inheritDoc
     */
    public function getMagento(): string
    {
        return (string) $this->getData('magento');
    }

    /**
     * @inheritDoc
     */
    public function getPhp(): string
    {
        return (string) $this->getData('php');
    }

    /**
     * @inheritDoc
     */
    public function isEnabled(): bool
    {
        return (bool) $this->getData('enabled');
    }

    /**
     * @inheritDoc
     */
    public function isConnected(): bool
    {
        return (bool) $this->getData('connected');
    }

    /**
     * @inheritDoc
     */
    public function getHindrance(): string
    {
        return (string) $this->getData('hindrance');
    }

    /**
     * @inheritDoc
     */
    public function getWaiting(): int
    {
        return (int) $this->getData('waiting');
    }

    /**
     * @inheritDoc
     */
    public function getParked(): int
    {
        return (int) $this->getData('parked');
    }

    /**
     * @inheritDoc
     */
    public function getOldestUnsentAt(): string
    {
        return (string) $this->getData('oldest_unsent_at');
    }

    /**
     * @inheritDoc
     */
    public function getLastSent(): string
    {
        return (string) $this->getData('last_sent');
    }

    /**
     * @inheritDoc
     */
    public function getLastError(): string
    {
        return (string) $this->getData('last_error');
    }

    /**
     * @inheritDoc
     */
    public function getCronAt(): string
    {
        return (string) $this->getData('cron_at');
    }
}
