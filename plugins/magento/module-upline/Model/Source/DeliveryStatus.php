<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Source;

use Magento\Framework\Data\OptionSourceInterface;
use Upline\Commission\Model\Outbox;

/**
 * What may have become of a delivery.
 */
class DeliveryStatus implements OptionSourceInterface
{
    /**
     * @inheritDoc
     */
    public function toOptionArray(): array
    {
        return [
            ['value' => Outbox::PENDING, 'label' => __('Waits')],
            ['value' => Outbox::SENDING, 'label' => __('Is being sent')],
            ['value' => Outbox::DELIVERED, 'label' => __('Delivered')],
            ['value' => Outbox::PARKED, 'label' => __('Refused')],
        ];
    }
}
