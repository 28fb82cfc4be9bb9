<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\OrderDigestInterface;

/**
 * One order of the list that reconciliation reads.
 */
class OrderDigest extends DataObject implements OrderDigestInterface
{
    /**
     * @inheritDoc
     */
    public function getEntityId(): int
    {
        return (int) $this->getData('entity_id');
    }

    /**
     * @inheritDoc
     */
    public function getUpdatedAt(): string
    {
        return (string) $this->getData('updated_at');
    }

    /**
     * @inheritDoc
     */
    public function getHash(): string
    {
        return (string) $this->getData('hash');
    }

    /**
     * @inheritDoc
     */
    public function getSequence(): int
    {
        return (int) $this->getData('sequence');
    }

    /**
     * @inheritDoc
     */
    public function isDirty(): bool
    {
        return (bool) $this->getData('dirty');
    }
}
